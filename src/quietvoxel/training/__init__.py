"""Training and fine-tuning: one trainer for every stage of every engine."""
