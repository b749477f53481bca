"""What ends a job, told in one line."""


class BulkError(Exception):
    """The job cannot begin or go on; the message names what is wrong, and the cure."""
