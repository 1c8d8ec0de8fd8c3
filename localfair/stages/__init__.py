"""The method, a stage a file: exam, inquire, review, select, soften, train."""
