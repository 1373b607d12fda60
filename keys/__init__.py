"""The custodian: subject keys, admit, release and shred. Holds code, never key material."""
