"""The method, a stage a file, in this order: exam, inquire, review, select, soften, train.

A stage reads rows and writes rows and knows nothing of the others. Beside them stand what all of
them are handed (`step`), how they pick rows (`rows`), and parts of `train` (`train_plan`,
`contrasts`, `epochs`).
"""
