// Beside the create form: update the cost, and the same request as curl, while the person types.
(() => {
  const form = document.querySelector("form[data-cost]");
  if (!form) return;
  const prices = JSON.parse(form.dataset.cost), curl = document.getElementById("as-curl"), cost = document.getElementById("cost");
  const drawSummary = () => {
    const data = new FormData(form), type = data.get("machine_type") || "", hours = Number(data.get("duration")) || 3;
    const price = prices[type];
    cost.textContent = price === undefined ? "The price of this type is not known here." : `${price} credits an hour` + (type.startsWith("dev-") ? `, ${(price * hours).toFixed(2)} for ${hours} h` : ", until it is deleted");
    const body = { api_key: "$ROBOFLOW_API_KEY" };
    for (const name of ["deployment_name", "machine_type", "creator_email", "duration", "inference_version", "min_replicas", "max_replicas"]) {
      const value = data.get(name);
      if (value) body[name] = ["duration", "min_replicas", "max_replicas"].includes(name) ? Number(value) : value;
    }
    curl.textContent = `curl -X POST ${form.dataset.url}/add \\\n  -H 'Content-Type: application/json' \\\n  -d "${JSON.stringify(body).replaceAll('"', '\\"')}"`;
  };
  form.addEventListener("input", drawSummary);
  form.addEventListener("click", (event) => {
    const durationButton = event.target.closest("[data-hours]");
    if (durationButton) { form.elements.duration.value = durationButton.dataset.hours; drawSummary(); }
  });
  drawSummary();
})();
