"""What Lambda hands to a function from a stream, and what the answer to it means."""
