"""Everything the image contains: the contract, the record model, the entry point and `process`."""
