"""From the models to CustomResourceDefinitions."""
