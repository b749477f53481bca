// Says the page in the language of its reader before it is painted. All else begins in main.js, which may come later.
import { readFragment } from "./fragment.js";
import { preferredLanguage, speak } from "./words.js";

speak(readFragment().ui || preferredLanguage());
