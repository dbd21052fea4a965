exports.wrap = () => "under foil of red";
