"""What leaves the record: adapters, merged weights, GGUF files, lessons, a model card, and their parity exam."""
