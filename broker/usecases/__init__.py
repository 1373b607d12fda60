"""The use cases: one function per thing a service, a subject or a guardian can do. No framework is imported here."""
