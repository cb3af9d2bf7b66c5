// What every page does by itself. Without any of this the pages work too: they are HTML, and forms.
import "./feed.js";
import "./times.js";
import "./alerts.js";
import "./filter.js";
import "./forms.js";
import "./keys.js";
import "./look.js";
