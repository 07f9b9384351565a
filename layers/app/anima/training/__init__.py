"""Jobs: training, simulation and batch inference as work in processes of their own, and the GPUs lent to them."""
