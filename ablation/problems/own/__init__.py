"""Problems of the user's own: a function, arrays or a table."""
