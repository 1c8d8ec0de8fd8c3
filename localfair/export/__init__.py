"""What leaves the record: adapters, merged weights, GGUF files, lessons, cards; parity exams."""
