"""The domain: consents, facts, decisions and the catalogue as pure values. No framework, no clock, no I/O."""
