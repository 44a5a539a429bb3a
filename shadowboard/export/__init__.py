"""A checkpoint's weights, raw or averaged, as a file of the framework that will use them: a format a file."""
