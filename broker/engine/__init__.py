"""The policy engines behind one port, and the bundle that both decide by."""
