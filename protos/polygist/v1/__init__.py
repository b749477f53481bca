"""Messages and stubs of ``polygist.v1``, generated from the ``.proto`` files beside this one."""
