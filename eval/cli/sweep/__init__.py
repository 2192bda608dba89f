"""`blindside sweep`, and what judging and results do on one."""
