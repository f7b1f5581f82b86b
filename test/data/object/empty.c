// No program at all.
int data = 1;
