"""Channels: ways out of the portal. Each adapter hands one message that says nothing to whoever carries it on."""
