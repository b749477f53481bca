"""A corpus in, its translations and summaries out: parts of files, worked on by the actors of a Ray Data job.

A part is the unit of work and of the checkpoint. Where it is cut depends on the corpus alone, its results have one file
whose name depends on the part alone, and that file is there whole or not at all. So whoever does a part again, a job
that was killed or a worker that outlived its job, writes the same file: no document is there twice, and none is lost.
"""
