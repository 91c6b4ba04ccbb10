"""What scripts get, field by field: the commands' and the API's JSON keeps to it."""
