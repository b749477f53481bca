"""Translate and summarise a corpus on a Ray cluster: python deploy/ray/bulk.py --help."""

from corpus.command import main

if __name__ == "__main__":
    main()
