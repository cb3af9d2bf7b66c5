"""The operator's console: pages for a browser, over HTTP. It calls the services, and holds no rule of its own."""
