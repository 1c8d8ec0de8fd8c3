"""`python -m localfair` is `localfair`."""

from localfair.cli import main

if __name__ == "__main__":
    main()
