"""What holds for every call of the API: how often, once or again, how much there is, and how it is described."""
