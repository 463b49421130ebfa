"""The fault campaign: programs are hurt at every stage of a paid session; nothing may be left billing."""
