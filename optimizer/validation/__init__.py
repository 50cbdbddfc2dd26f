"""What a request must be like; each check names the field, the problem and the cure."""
