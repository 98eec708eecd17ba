"""绩效自评: what a call asks of who was awarded, answered by them, assessed by the desk."""
