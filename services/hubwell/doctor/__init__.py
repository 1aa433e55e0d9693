"""`hubwell doctor`: examine every part and report what is wrong and what to do."""
