"""The edge: connections, bodies and answers, each within bounds, between the network and the Flask application."""
