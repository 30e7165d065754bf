"""A mutation run over api/ with cosmic-ray: whether the tests notice small changes. By hand: `make mutants`."""
