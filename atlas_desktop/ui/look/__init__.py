"""How everything looks: colours, fonts, icons, and the controls that we paint ourselves."""
