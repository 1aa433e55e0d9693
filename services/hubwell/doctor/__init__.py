"""`hubwell doctor`: examine every part, and say in words what is wrong and what to do."""
