"""The commands of ``tillit-audit``, a module each.

Each module offers ``declare(commands, common)``, which adds its own sub-parser and sets ``run`` to what returns the exit code;
``audit.cli`` lists them. ``given`` reads what every command is given, ``saying`` says what every command says.
"""
