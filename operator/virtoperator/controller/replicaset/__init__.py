"""As many equal VMIs as were asked for."""
