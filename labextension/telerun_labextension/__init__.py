"""Telerun's side of the Jupyter server: what the front end asks for, with the token kept away from the browser."""
