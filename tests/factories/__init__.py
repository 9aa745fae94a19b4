"""Things that tests begin with, made through the product's own verbs, with defaults that read well."""
