"""Our providers of `aws` and `docker` for Pulumi's own engine: all is made in the embedded AWS."""
