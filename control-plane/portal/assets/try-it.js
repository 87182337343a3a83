// Swagger UI in the page of an API: with the developer's credentials filled in, and calls that go by way of the portal.
"use strict";

(async () => {
  const place = document.getElementById("swagger-ui");
  const relay = place.dataset.relay;
  const known = { kinds: {}, names: {}, basic: null, bearer: null, ...JSON.parse(place.dataset.credentials) };
  const answer = await fetch(place.dataset.spec);
  if (!answer.ok) return;
  const spec = await answer.json();
  fillIn(spec);
  followColours();
  nameFields();
  place.hidden = false;
  document.getElementById("operations").hidden = true;
  const ui = SwaggerUIBundle({
    spec,
    domNode: place,
    docExpansion: "list",
    deepLinking: false,
    validatorUrl: null,
    persistAuthorization: false,
    showMutatedRequest: false,
    supportedSubmitMethods: relay ? ["get", "put", "post", "delete", "options", "head", "patch"] : [],
    requestInterceptor: (request) => (relay && request.url.includes("://") ? toRelay(request) : request),
    responseInterceptor: fromRelay,
    onComplete: () => authorize(ui, spec),
  });

  // The call, told to the portal in headers.
  function toRelay(request) {
    const headers = { accept: "application/json", "try-method": request.method || "GET", "try-url": new URL(request.url).href };
    for (const [name, value] of Object.entries(request.headers || {})) {
      headers[`try-header-${name.toLowerCase()}`] = value;
    }
    const hasBody = request.body !== undefined && request.body !== null && request.body !== "";
    // Of a form with files only the browser knows the boundary.
    if (hasBody && !(request.body instanceof FormData)) headers["content-type"] = "application/octet-stream";
    return {
      ...request,
      url: new URL(relay, location.href).href,
      method: "POST",
      headers,
      body: hasBody ? request.body : undefined,
      credentials: "same-origin",
    };
  }

  // The gateway's answer, out of the portal's.
  function fromRelay(response) {
    if (!response.headers?.["x-tallygate-try"]) return response;
    const told = JSON.parse(response.text);
    const text = told.text ?? null;
    const data = text ?? new Blob([Uint8Array.from(atob(told.base64), (letter) => letter.charCodeAt(0))]);
    let object;
    try { object = JSON.parse(text); } catch { object = undefined; }
    return Object.assign(response, {
      status: told.status,
      statusText: told.is_cut ? "(the answer is longer than what is shown)" : "",
      ok: told.status >= 200 && told.status < 300,
      headers: told.headers,
      text: data,
      data,
      obj: object,
      body: object,
    });
  }

  // Credentials where `x-data-threescale-name` wants them, and in parameters that the product reads them from.
  function fillIn(node) {
    if (Array.isArray(node)) { node.forEach(fillIn); return; }
    if (!node || typeof node !== "object") return;
    const kind = [].concat(node["x-data-threescale-name"] ?? [])[0];
    const isParameter = typeof node.name === "string" && ["query", "header", "formData"].includes(node.in);
    const value = known.kinds[kind] ?? (isParameter && node.type !== "apiKey" ? known.names[node.name] : undefined);
    if (value !== undefined) {
      if (!isParameter || spec.swagger) node.default = value;
      else node.schema = { ...node.schema, default: value };
    }
    for (const [name, below] of Object.entries(node)) {
      if (name !== "example" && name !== "examples" && name !== "default") fillIn(below);
    }
  }

  function authorize(ui, spec) {
    const schemes = spec.components?.securitySchemes ?? spec.securityDefinitions ?? {};
    for (const [name, scheme] of Object.entries(schemes)) {
      const value = scheme.type === "apiKey" ? known.kinds[scheme["x-data-threescale-name"]] ?? known.names[scheme.name] : known.bearer;
      const isBasic = scheme.type === "basic" || (scheme.type === "http" && scheme.scheme?.toLowerCase() === "basic");
      if (isBasic && known.basic) ui.preauthorizeBasic(name, ...known.basic);
      else if (!isBasic && value && ["apiKey", "http"].includes(scheme.type)) ui.preauthorizeApiKey(name, value);
    }
  }

  // The list of servers has no name of its own that a screen reader could say.
  function nameFields() {
    const name = () => {
      for (const list of place.querySelectorAll("select:not([aria-label])")) list.setAttribute("aria-label", list.id === "servers" ? "Server" : "Choice");
    };
    new MutationObserver(name).observe(place, { childList: true, subtree: true });
  }

  function followColours() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", follow);
    follow();
  }
})();
