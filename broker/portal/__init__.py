"""The youth's portal: pages made here, on the same use cases as ``/v1/me``."""
