"""Programs that play and record on a sound server of their own, judged by what is heard, and when."""
