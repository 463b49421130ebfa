"""Tests with a sound server of their own, judged by what is heard, and when."""
