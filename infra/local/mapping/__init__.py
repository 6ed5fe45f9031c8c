"""The event source mapping: reads the stream, filters it, and delivers it batch by batch."""
