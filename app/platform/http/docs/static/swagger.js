// Starts Swagger UI. The page's policy forbids inline scripts, so what differs is an attribute of the script element.
SwaggerUIBundle({
  url: new URL(document.currentScript.dataset.openapi, location.href).href,
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
