"""The transparency log: maths, storage, sequencing, and the auditor's command."""
