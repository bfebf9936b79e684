"""How to call a deployment, in three languages."""

CURL = """base64 image.jpg | curl -d @- \\
  "https://{host}/your-project/1?api_key=$ROBOFLOW_API_KEY"
"""
PYTHON = """import os

from inference_sdk import InferenceHTTPClient

client = InferenceHTTPClient(
    api_url="https://{host}",
    api_key=os.environ["ROBOFLOW_API_KEY"],
)
print(client.infer("image.jpg", model_id="your-project/1"))
"""
JAVASCRIPT = """import {{ readFile }} from "node:fs/promises";

const key = process.env.ROBOFLOW_API_KEY;
const response = await fetch(`https://{host}/your-project/1?api_key=${{key}}`, {{
  method: "POST",
  headers: {{ "Content-Type": "application/x-www-form-urlencoded" }},
  body: await readFile("image.jpg", "base64"),
}});
console.log(await response.json());
"""


def call_samples(host: str) -> list[tuple[str, str]]:
    """Return (label, code) for each way to send an image to the deployment at `host`.

    Source: Roboflow's page "Make requests to a dedicated deployment", and its hosted API for images in the
    body, which its inference server takes too.
    """
    texts = (("curl", CURL), ("Python", PYTHON), ("JavaScript", JAVASCRIPT))
    return [(label, text.format(host=host).rstrip()) for label, text in texts]
