"""The DNS API of Alibaba Cloud; its signing library is imported here and nowhere else."""
