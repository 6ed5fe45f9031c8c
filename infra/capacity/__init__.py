"""What a load takes: shards, concurrency, the iterator's age, quotas and dollars.

One shard's queue is simulated batch by batch, on virtual time, by the delivery rules that the local
mapping runs; the rest is alike. It is a model: what it assumes, it prints.
"""
