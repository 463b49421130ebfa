"""What stays on this computer: keys in the OS keyring; settings and transcripts in the profile."""
