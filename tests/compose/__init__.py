"""`make compose-test`: the stack of docker-compose.yml under a real engine, from its images to its end."""
